export { describeOnlineListContract, type OnlineListUnderTest } from './describe-online-list-contract.js';
export { FakeEncoding, FakeViewer, type Written } from './fake-viewer.js';
