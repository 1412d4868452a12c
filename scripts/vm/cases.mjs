// Commands that a machine runs in sequence, each with its expected result.
const POWER_OFF = 'sync; echo u >/proc/sysrq-trigger; echo o >/proc/sysrq-trigger; sleep 60';

/**
 * Returns a case: its name, a shell command, and the expected exit status (undefined: any) and output. `says` is a pattern or several,
 * which must match; `not` must not match.
 */
export function expectCase(name, command, { says = [], not, ...expected } = {}) {
  const { status } = { status: 0, ...expected };
  return { name, command, status, says: [says].flat(), not };
}

/** Returns the script that runs and reports the cases, and then powers the machine off, or runs `last`. */
export function scriptOf(cases, last = POWER_OFF) {
  const parts = cases.map(
    ({ command }, index) => `echo '@@begin ${index}'
( ${command}
) </dev/null >/run/case 2>&1
echo "$?" >/run/case.status
sed 's/^/| /' /run/case
echo
echo "@@end ${index} $(cat /run/case.status)"`,
  );
  return `export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 NO_COLOR=1 CI=true
exec >/dev/console 2>&1
echo "@@kernel $(uname -srvm)"
${parts.join('\n')}
echo '@@done'
${last}
`;
}

/** Reads the lines of a console and checks the cases. `results` lists the faults of each. */
export function caseReader(cases, print) {
  const results = [];
  let lines = [];
  let judged = 0;
  let started = false;
  let begun = performance.now();
  const sinceBegun = () => ((performance.now() - begun) / 1000).toFixed(1);
  const onLine = (line) => {
    const end = /@@end (\d+) (\d+)/.exec(line);
    if (line.includes('@@kernel')) {
      started = true;
      print(`${line.replace(/.*@@kernel /, '')} (${sinceBegun()} s)`);
    } else if (line.includes('@@missed')) results.push({ name: 'power cut', wrong: [line] });
    else if (line.includes('@@begin')) {
      lines = [];
      begun = performance.now();
    } else if (line.startsWith('| ')) lines.push(line.slice(2));
    else if (end !== null) results.push(judge(cases[Number(end[1])], Number(end[2]), lines.join('\n')));
  };
  const judge = (wanted, status, output) => {
    judged++;
    const wrong = faultsOf(wanted, status, output);
    print(`${wrong.length === 0 ? 'ok  ' : 'FAIL'} ${wanted.name} (${sinceBegun()} s)`);
    for (const fault of wrong) print(`     ${fault}`);
    if (wrong.length > 0 || process.env.VM_VERBOSE)
      print(`     $ ${wanted.command}\n${output.replaceAll(/^/gm, '     | ')}`);
    return { name: wanted.name, wrong };
  };
  const missing = () => cases.slice(judged).map(({ name }) => ({ name, wrong: ['did not finish'] }));
  return { onLine, results, missing, hasStarted: () => started };
}

function faultsOf({ status, says, not }, seen, output) {
  return [
    ...(status === undefined || seen === status ? [] : [`exit status ${seen} instead of ${status}`]),
    ...says.filter((pattern) => !pattern.test(output)).map((pattern) => `output does not match ${pattern}`),
    ...(not?.test(output) ? [`output matches ${not}`] : []),
  ];
}
