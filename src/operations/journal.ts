import { join } from 'node:path';
import { inverse, type Step } from '../plan/steps.ts';
