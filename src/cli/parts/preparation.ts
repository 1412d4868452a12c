/** What the context of a command needs on demand. A part of work.ts, without what needs a context itself. */
export { ensureMounted } from '../../binfmt/instance/instance.ts';
export { loadCatalogue } from '../../profiles/load.ts';
export { makeImageWritable } from '../../system/read-only-image.ts';
