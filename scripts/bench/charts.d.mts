export interface BenchResult {
  readonly what: string;
  readonly ratio: number;
  readonly goal: number | null;
  readonly chart?: 'ratios' | 'scale';
}
export function chartOf(results: readonly BenchResult[], title: string): string;
export function writeCharts(results: readonly BenchResult[], directory: string): void;
