/** What `status` needs only where interpreters were changed: it runs programs. */
export { heldInterpreters } from './held-interpreter.ts';
