export { default } from '../../tools/build/application.mjs';
