export { ADMIN_DIRECTORY, IMPORT_DIRECTORY } from './directories.ts';
export { disable, disableAll } from './disable.ts';
export { display, displayAll } from './display.ts';
export { enable, enableAll } from './enable.ts';
export { find } from './find.ts';
export { forAllFiles, importFormat, RESERVED, unimportFormat } from './import.ts';
export { install, remove } from './install.ts';
export type { Session } from './session.ts';
