export { FakeEncoding, FakeViewer, type Written } from './fake-viewer.js';
