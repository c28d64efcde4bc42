export { default } from '../../tools/build/page.mjs';
