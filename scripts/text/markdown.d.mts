export interface TextProblem {
  readonly line: number;
  readonly text: string;
}
export function proseProblems(text: string): readonly TextProblem[];
