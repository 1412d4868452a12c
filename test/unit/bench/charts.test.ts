import { describe, expect, it } from 'vitest';
import { chartOf } from '../../../scripts/bench/charts.mjs';

const result = { what: 'start <&> `node`', ratio: 1.5, goal: 1 };

describe('a chart', () => {
  it('shows the label, the figure and whether the goal is met', () => {
    const chart = chartOf([result, { ...result, ratio: 0.5 }], 'Ratios');
    expect(chart).toContain('>start &lt;&amp;&gt; node</text>');
    expect(chart).toContain('>1.50</text>');
    expect(chart.match(/<rect class="\w+"/g)).toEqual(['<rect class="missed"', '<rect class="met"']);
  });

  it('scales the longest bar to the width, with the goal on the same scale', () => {
    const chart = chartOf([{ ...result, ratio: 2 }], 'Ratios');
    expect(chart).toContain('width="350"');
    expect(chart).toContain('x1="605"');
  });
});
