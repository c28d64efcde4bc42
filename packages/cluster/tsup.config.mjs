export { default } from '../../tools/build/library.mjs';
