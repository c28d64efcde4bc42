/**
 * Owns: who may import whom, as data, on two axes. A project states where it stands with tags in its package.json
 * (`nx.tags`): one `layer:…`, one `runtime:…`.
 */

/** Packages that a process is composed of. */
const libraries = [
  'layer:protocol',
  'layer:foundation',
  'layer:driver',
  'layer:bus',
  'layer:state',
  'layer:gateway',
  'layer:cluster',
  'layer:client',
  'layer:sdk',
];

/** From each layer to the layers it may import; what is not listed is forbidden. @type {Record<string, string[]>} */
export const layers = {
  'layer:protocol': [],
  'layer:foundation': [],
  'layer:driver': ['layer:protocol'],
  'layer:bus': ['layer:protocol', 'layer:driver'],
  'layer:state': ['layer:protocol', 'layer:driver'],
  'layer:gateway': ['layer:protocol', 'layer:driver', 'layer:bus', 'layer:state'],
  'layer:cluster': ['layer:protocol', 'layer:bus'],
  'layer:client': ['layer:protocol', 'layer:bus', 'layer:cluster'],
  'layer:sdk': ['layer:protocol'],
  'layer:app': libraries,
  'layer:composition': [...libraries, 'layer:app'],
  'layer:verification': [...libraries, 'layer:app', 'layer:composition', 'layer:verification'],
  'layer:test-support': [],
  'layer:tool': [],
};

/** Where code runs. `any` is the narrowest: it knows neither Node nor a page. @type {Record<string, string[]>} */
export const runtimes = {
  'runtime:any': ['runtime:any'],
  'runtime:browser': ['runtime:any', 'runtime:browser'],
  'runtime:node': ['runtime:any', 'runtime:node'],
  'runtime:composition': ['runtime:any', 'runtime:browser', 'runtime:node', 'runtime:composition'],
};

/** Both axes in the form of `@nx/enforce-module-boundaries`. */
export const depConstraints = Object.entries({ ...layers, ...runtimes }).map(([sourceTag, allowed]) => ({
  sourceTag,
  // What tests of any layer use; it is private, so a published source that imports it fails the release checks.
  onlyDependOnLibsWithTags: sourceTag in layers ? [...allowed, 'layer:test-support'] : allowed,
}));

/** Globals that only Node has; names that a browser has too (`setTimeout`, `URL`) are left to the type checker. */
export const nodeGlobals = [
  'process',
  'Buffer',
  'global',
  '__dirname',
  '__filename',
  'require',
  'setImmediate',
  'clearImmediate',
];
