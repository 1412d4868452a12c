import type { Plugin } from 'esbuild';

export function leanUndici(root: string): Plugin;
