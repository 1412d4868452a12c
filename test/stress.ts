/** True if tests run at full length, as in `npm run test:stress`. */
export const STRESS = process.env['STRESS'] === '1';

/** Chooses the size of a test: small, or full in the stress run. A dedicated variable overrides both. */
export const amount = (little: number, all: number, variable = ''): number =>
  Number(process.env[variable] ?? (STRESS ? all : little));
