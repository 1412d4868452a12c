/** Whether tests run at full length, as `npm run test:stress` has them. */
export const STRESS = process.env['STRESS'] === '1';

/** How much of something a test does: little, or all of it in the stress run. A variable of its own overrides both. */
export const amount = (little: number, all: number, variable = ''): number =>
  Number(process.env[variable] ?? (STRESS ? all : little));
