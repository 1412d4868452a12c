// Instruments a source with calls that record which statements and branches run.
import { parseSync } from 'vite';
import { withChildren } from '../mutation/mutants.mjs';

/**
 * Returns the text with calls of `hit` and `branch` from the module `runtime`, and the points that they count: the lines of
 * statements, and the branches, with two points for a condition. Their ids start at `first`.
 */
export function instrument(path, text, { first, runtime }) {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0].message}`);
  const points = [];
  const add = (kind, node) => {
    points.push({ kind, line: text.slice(0, node.start).split('\n').length });
    return first + points.length - 1;
  };

  const inside = (node) => withChildren(node, text, print);

  const print = (node, parent) => {
    if (isStatement(node) && !isHeadOfLoop(node, parent) && !/^Export/.test(parent.type)) {
      const isOnly = !['Program', 'BlockStatement', 'SwitchCase'].includes(parent.type);
      const counted = `$hit(${add('line', node)}); ${inside(node)}`;
      return isOnly ? `{ ${counted} }` : counted;
    }
    if (node.type === 'SwitchCase') return printCase(node);
    const body = inside(node);
    if (['IfStatement', 'ConditionalExpression'].includes(parent.type) && parent.test === node) {
      const id = add('branch', node);
      add('branch', node);
      return `$branch(${id}, ${body})`;
    }
    if (parent.type === 'LogicalExpression' && parent.right === node)
      return `($hit(${add('branch', node)}), ${body})`;
    const isArrow = parent.type === 'ArrowFunctionExpression' && parent.body === node;
    return isArrow && node.type !== 'BlockStatement' ? `($hit(${add('line', node)}), ${body})` : body;
  };

  const printCase = (node) => {
    const colon = node.consequent.length > 0 ? node.consequent[0].start : node.end;
    const head = text.slice(node.start, colon);
    const id = add('branch', node);
    const rest = node.consequent.map((each, index) => {
      const gap = index === 0 ? '' : text.slice(node.consequent[index - 1].end, each.start);
      return gap + print(each, node);
    });
    return `${head} $hit(${id}); ${rest.join('')}`;
  };
  // Imports are hoisted, so the last line may be one. A `#!` line stays first.
  const whole = text.slice(0, program.start) + inside(program) + text.slice(program.end);
  return {
    text: `${whole}\nimport { branch as $branch, hit as $hit } from ${JSON.stringify(runtime)};\n`,
    points,
  };
}

const STATEMENTS =
  /^(Expression|Return|Throw|If|For|ForOf|ForIn|While|DoWhile|Switch|Try|Break|Continue)Statement$|^VariableDeclaration$/;
const isStatement = ({ type, directive, declare }) =>
  STATEMENTS.test(type) && directive === undefined && declare !== true;
const isHeadOfLoop = (node, parent) => /^For/.test(parent.type) && parent.body !== node;
