/** What commands load on demand: all that needs more than reading a few files. */
export { findProfile } from '../catalogue/resolve.ts';
export { uninstall } from '../operations/uninstall.ts';
export { verifyArches } from '../operations/verify-arches.ts';
export { lintDirectories } from '../profiles/lint.ts';
export { loadCatalogue } from '../profiles/load.ts';
export { installArches } from './install-arches.ts';
export { withOperation } from './operation.ts';
export { yamlOf } from './yaml.ts';
