import { defaultStore } from '../emulators/place.ts';
import type { Context } from './context.ts';

/** The store of root, which all users may read. */
const machineStore = (): string => defaultStore(process.env, 0);

/** The machine's store, for a user who has not named another; null for root, whose own it is. */
export function otherStore({ store }: Pick<Context, 'store'>): string | null {
  const uid = process.geteuid?.() ?? 0;
  const isOwn = store === defaultStore(process.env, uid);
  return isOwn && uid !== 0 ? machineStore() : null;
}

/** Where facts about this machine are looked up, our own store first. */
export const readableStores = (context: Pick<Context, 'store'>): readonly string[] => [
  context.store,
  ...[otherStore(context)].filter((store) => store !== null),
];
