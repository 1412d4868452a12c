export { listContents, type StoreItem } from './contents.ts';
export { type PruneRequest, type PruneResult, pruneContents } from './prune.ts';
