/** Functions that building a context needs on demand. Separate from operations.ts, whose modules need a context themselves. */
export { ensureMounted } from '../../binfmt/instance/instance.ts';
export { loadCatalogue } from '../../profiles/load.ts';
export { makeImageWritable } from '../../system/read-only-image.ts';
