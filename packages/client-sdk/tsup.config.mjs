import { readFileSync } from 'node:fs';
import library from '../../tools/build/library.mjs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

export default { ...library, define: { IM_SDK_VERSION: JSON.stringify(version) } };
