import { BinfmtctlError } from '../errors.ts';
import { type Code, type Isa, MAX_CONSTANT } from './isa/types.ts';

/** A system call: its number and its arguments. The argument null is argv[0]. */
export interface SystemCall {
  readonly number: number;
  readonly arguments: readonly (number | null)[];
  /** Address that the result is stored at. */
  readonly result?: number;
}

/** Assembles straight-line code that makes the system calls in order. @throws BAD_PROFILE for an invalid system call number. */
export function assemble(isa: Isa, steps: readonly SystemCall[]): Uint8Array {
  const code = [isa.prologue ?? [], ...steps.map((step) => assembleStep(isa, step))].flat();
  const bytes = new Uint8Array(code.length * isa.unit);
  const view = new DataView(bytes.buffer);
  const little = isa.byteOrder === 'little';
  for (const [index, unit] of code.entries()) {
    if (isa.unit === 1) view.setUint8(index, unit);
    else if (isa.unit === 2) view.setUint16(index * 2, unit, little);
    else view.setUint32(index * 4, unit, little);
  }
  return bytes;
}

function assembleStep(isa: Isa, step: SystemCall): Code {
  if (!Number.isInteger(step.number) || step.number < 0 || step.number > MAX_CONSTANT) {
    throw new BinfmtctlError('BAD_PROFILE', `invalid system call number: ${step.number}`);
  }
  const load = isa.argumentRegisters.flatMap((register, index) => {
    const value = step.arguments[index];
    if (value === undefined) return [];
    return value === null ? isa.loadArgv0(register) : isa.set(register, value);
  });
  const store = step.result === undefined ? [] : isa.storeResult(step.result);
  return [...load, ...isa.set(isa.callRegister, step.number), ...isa.call, ...store];
}
