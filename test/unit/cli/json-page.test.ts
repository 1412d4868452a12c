import { describe, expect, it } from 'vitest';
import type { InstanceFacts } from '../../../src/binfmt/instance/instance.ts';
import type { EmulatedArch, EmulatedFormat } from '../../../src/emulation/types.ts';
import type { LockedEmulator } from '../../../src/file-format/lock-file.ts';
import type { InstallResult } from '../../../src/install/install.ts';
import type { InstalledDuration, InstalledEmulator } from '../../../src/install/types.ts';
import type { UninstallResult } from '../../../src/install/uninstall.ts';
import type { EmulationReport } from '../../../src/library/subprocess.ts';
import type { BundleResult } from '../../../src/lockfile/bundle.ts';
import type { LockResult } from '../../../src/lockfile/update.ts';
import type { Missing } from '../../../src/obtain/missing.ts';
import type { Check, Proof, Verdict } from '../../../src/probe/verdict.ts';
import type { Entry } from '../../../src/rule/types.ts';
import type { Registration } from '../../../src/state/registration.ts';
import type { Step } from '../../../src/state/steps.ts';
import type { StoreItem } from '../../../src/store/contents.ts';
import type { PruneResult } from '../../../src/store/prune.ts';
import type { ExportResult } from '../../../src/transfer/export.ts';
import type { ImportResult } from '../../../src/transfer/import.ts';
import type { RecordedProof } from '../../../src/verify/proofs.ts';
import type { StatusLine, StatusResult } from '../../../src/verify/status.ts';
import type { VerifyReport } from '../../../src/verify/verify-arches.ts';
import { documentedKeys } from '../../support/json-page.ts';

type KeysOf<T> = T extends T ? keyof T & string : never;

/** The keys of a result type: a key that is missing here or is one too many does not compile. */
const keys =
  <T>() =>
  (all: Readonly<Record<KeysOf<T>, true>>): readonly string[] =>
    Object.keys(all);

const EMULATED = { by: true, entry: true, emulator: true } as const;
const CHECKS = { host: true, chroot: true, mountNamespace: true, argv0: true, credentials: true } as const;

/** The keys of each object by its heading in docs/json.md. */
const OBJECTS: Readonly<Record<string, readonly string[]>> = {
  install: keys<InstallResult>()({
    ...{ schema: true, dryRun: true, steps: true, emulators: true, duration: true, proofs: true },
    ...{ unchanged: true, missing: true, toFetch: true, scope: true, notes: true, warnings: true },
  }),
  InstalledEmulator: keys<InstalledEmulator>()({
    ...{ arch: true, entry: true, emulator: true, version: true, path: true, sha256: true, static: true },
    ...{ origin: true, source: true, release: true, persisted: true },
  }),
  Duration: keys<InstalledDuration>()({ lasts: true, canPersist: true }),
  uninstall: keys<UninstallResult>()({
    ...{ schema: true, dryRun: true, steps: true, restored: true, purged: true, freed: true },
    ...{ unused: true, trees: true, damaged: true },
  }),
  status: keys<StatusResult>()({
    ...{ schema: true, instance: true, proofsUnknown: true, entries: true, gone: true, halfDone: true },
  }),
  StatusLine: keys<StatusLine>()({
    ...{ entry: true, arch: true, ours: true, emulator: true, version: true, interpreterExists: true },
    ...{ held: true, links: true, shadowedBy: true, problem: true, proof: true },
  }),
  RecordedProof: keys<RecordedProof>()({
    ...{ entry: true, holds: true, why: true, limits: true, at: true, sha256: true, version: true },
  }),
  Registration: keys<Registration>()({
    ...{ arch: true, rule: true, emulator: true, registered: true, persisted: true, links: true },
    replaced: true,
  }),
  verify: keys<VerifyReport>()({
    ...{ schema: true, instance: true, outcome: true, holds: true, proofs: true, problems: true },
    ...{ limits: true, outdated: true },
  }),
  'run and enter': keys<EmulationReport>()({
    ...{ schema: true, private: true, arches: true, formats: true, warnings: true },
  }),
  EmulatedArch: keys<EmulatedArch>()({ arch: true, ...EMULATED, version: true }),
  EmulatedFormat: keys<EmulatedFormat>()({ format: true, ...EMULATED }),
  LockedEmulator: keys<LockedEmulator>()({
    ...{ emulator: true, source: true, version: true, sha256: true, size: true },
  }),
  'lock --update': keys<LockResult>()({
    ...{ schema: true, file: true, host: true, changes: true, unchanged: true },
  }),
  bundle: keys<BundleResult>()({
    ...{ schema: true, file: true, sha256: true, size: true, host: true, emulators: true, proved: true },
    missing: true,
  }),
  StoreItem: keys<StoreItem>()({
    ...{ kind: true, name: true, path: true, size: true, lastUsed: true, usedBy: true, unknown: true },
  }),
  'store prune': keys<PruneResult>()({
    ...{ schema: true, dryRun: true, removed: true, kept: true, failed: true },
  }),
  import: keys<ImportResult>()({
    ...{ schema: true, dryRun: true, steps: true, unchanged: true, lost: true, leftOut: true },
  }),
  export: keys<ExportResult>()({ schema: true, form: true, files: true, lost: true, leftOut: true }),
  Instance: keys<InstanceFacts>()({
    ...{ directory: true, mounted: true, enabled: true, readOnly: true, writable: true, scope: true },
    kernelRelease: true,
  }),
  'Rule and entry': keys<Entry>()({
    ...{ name: true, pattern: true, interpreter: true, flags: true, enabled: true, extra: true },
  }),
  Step: keys<Step>()({
    ...{ kind: true, rule: true, entry: true, path: true, text: true, target: true, previous: true },
    arches: true,
  }),
  Proof: keys<Proof>()({
    ...{ arch: true, entry: true, flags: true, native: true, emulator: true, held: true },
    ...{ unidentified: true, ...CHECKS, verdict: true },
  }),
  Check: keys<Check>()({ holds: true, why: true }),
  Verdict: keys<Verdict>()({ outcome: true, reasons: true, limits: true }),
  Missing: keys<Missing>()({ arch: true, why: true }),
};

describe('docs/json.md', () => {
  const documented = documentedKeys();

  it.each(Object.entries(OBJECTS))(
    'describes the keys of %s, all of them and no other',
    (heading, expected) => {
      expect(documented.get(heading)).toEqual(expected);
    },
  );

  it('has no other tables of keys than these and those that commands make themselves', () => {
    // test/kernel/commands-surface.test.ts compares these with what is printed.
    const made = [
      'Errors',
      'lock',
      'store list',
      'catalogue list',
      'catalogue show',
      'catalogue lint',
      'version',
    ];
    expect([...documented.keys()].filter((heading) => !(heading in OBJECTS))).toEqual(made);
  });
});
