import type { Catalogue } from '../catalogue/types.ts';
import compiled from './builtin.json' with { type: 'json' };

let parsed: Catalogue | undefined;

/** The profiles that come with binfmtctl; parsed once, when first asked for. */
export function builtinCatalogue(): Catalogue {
  parsed ??= JSON.parse(compiled.text) as Catalogue;
  return parsed;
}
