import type { Catalogue } from '../catalogue/types.ts';
import compiled from './builtin.json' with { type: 'json' };

/** The built-in profiles. */
export const builtinCatalogue = (): Catalogue => compiled as unknown as Catalogue;
