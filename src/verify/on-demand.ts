/** Loaded by `status` only if an interpreter changed. */
export { heldInterpreters } from './held-interpreter.ts';
