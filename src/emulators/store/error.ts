import { BinfmtctlError } from '../../errors.ts';
import { fileError } from '../../system/file/file-error.ts';

const ANOTHER_STORE = 'choose another store with --store DIR';

/** Like `fileError`, with STORE_FAILED instead of FILE_FAILED. */
export function storeError(error: unknown, what: string): BinfmtctlError {
  const { code, message, hint } = fileError(error, what);
  if (error instanceof BinfmtctlError && code !== 'FILE_FAILED') return error;
  const advice = code === 'READ_ONLY' || code === 'NO_PRIVILEGE' ? ANOTHER_STORE : undefined;
  return new BinfmtctlError(code === 'FILE_FAILED' ? 'STORE_FAILED' : code, message, {
    hint: [hint, advice].filter((text) => text !== undefined).join('; or ') || undefined,
    cause: error,
  });
}
