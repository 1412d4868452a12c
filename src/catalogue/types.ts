import type { ElfIdentity, ProbeSpec } from '../elf/types.ts';

/** The spellings of an arch, by naming scheme. Each list may be empty. */
export interface Aliases {
  /** Docker and OCI platforms: `linux/arm64`, `linux/arm64/v8`. */
  readonly docker: readonly string[];
  /** Go's GOARCH: `arm64`. */
  readonly go: readonly string[];
  /** Debian architectures: `arm64`. */
  readonly debian: readonly string[];
  /** GNU triplets without vendor: `aarch64-linux-gnu`. */
  readonly gnu: readonly string[];
  /** What `uname -m` prints: `aarch64`, `armv8l`. */
  readonly uname: readonly string[];
  /** RPM architectures: `aarch64`. */
  readonly rpm: readonly string[];
  readonly other: readonly string[];
}

/** The reason why a mask ignores some bytes, or compares only some of their bits. */
export interface MaskedBytes {
  /** `7` or `9-15`. */
  readonly bytes: string;
  /** `EI_OSABI`, `e_type` … */
  readonly field: string;
  readonly why: string;
}

/** A CPU architecture: its ELF identity and all spellings of its name. */
export interface Arch {
  readonly kind: 'arch';
  /** QEMU's target name. */
  readonly id: string;
  readonly summary: string;
  readonly elf: ElfIdentity & {
    /** The bits of `e_flags` that distinguish this arch from its siblings. */
    readonly flags?: { readonly value: number; readonly mask: number } | undefined;
  };
  /** Lower case hex. Magic and mask have the same length, and the magic has no bit outside the mask. */
  readonly magic: string;
  readonly mask: string;
  readonly masked: readonly MaskedBytes[];
  readonly aliases: Aliases;
  /** Arches that hardware and kernel of this one may run natively, which a probe checks: `i386` on x86_64. */
  readonly compat: readonly string[];
  /** Ids of arches and formats whose patterns overlap on purpose. Both sides must list each other. */
  readonly overlaps: readonly string[];
  readonly probe: ProbeSpec;
}

/** How the kernel recognizes a format: by bytes, or by the extension of the file name. */
export type FormatMatch =
  | {
      readonly type: 'magic';
      readonly offset: number;
      readonly magic: string;
      readonly mask?: string | undefined;
    }
  | { readonly type: 'extension'; readonly extension: string };

/** A format without an ELF identity: Java classes, jars, DOS/Windows, .NET, Go, Python, WebAssembly. */
export interface Format {
  readonly kind: 'format';
  readonly id: string;
  readonly summary: string;
  readonly aliases: readonly string[];
  /** A file matches any of these. Each becomes a separate entry. */
  readonly matches: readonly FormatMatch[];
  /** Programs that run it; the first that exists is used. `package` is the Debian package. */
  readonly interpreters: readonly {
    readonly path: string;
    readonly package?: string | undefined;
    readonly note?: string | undefined;
  }[];
  /** Letters of the kernel's flags, for all its entries. */
  readonly flags?: string | undefined;
  readonly overlaps: readonly string[];
  readonly note?: string | undefined;
}

/** The paths and packages of an emulator in a distribution. `{target}` is replaced by the guest's name in `guests`. */
export interface EmulatorLayout {
  /** `debian<=12`, `debian>=13`, `fedora`, `alpine`, `arch`, `ubuntu`, `binfmtctl` … */
  readonly distribution: string;
  /** Absolute paths with `{target}`, in order of preference. */
  readonly paths: readonly string[];
  /** Package names with `{target}`; may be empty. */
  readonly packages: readonly string[];
  readonly linkage: 'static' | 'dynamic' | 'either';
}

/** Versions of an emulator with a known problem, and a workaround. */
export interface KnownBad {
  /** semver range of the emulator's version. */
  readonly range: string;
  /** Ids, or `*`. */
  readonly guests: readonly string[];
  readonly hosts: readonly string[];
  /** semver range of the kernel's version; absent for all. */
  readonly kernels?: string | undefined;
  /** Page sizes of the kernel, in bytes; absent for all. */
  readonly pageSizes?: readonly number[] | undefined;
  /** Whether it affects so few programs that binfmtctl does not warn about it. */
  readonly minor?: boolean | undefined;
  readonly symptom: string;
  readonly wayOut: string;
  readonly source: string;
}

/** A program that runs other architectures, and where distributions install it. */
export interface EmulatorProfile {
  readonly kind: 'emulator';
  /** `qemu`, `box64`, `box86`, `fex`, `rosetta`. */
  readonly id: string;
  readonly summary: string;
  /** Arch (or format) id → replacement for `{target}`. */
  readonly guests: Readonly<Record<string, string>>;
  /** Ids of the arches of machines that it runs on. Its file may have another arch that such a machine runs natively. */
  readonly hosts: readonly string[];
  readonly layouts: readonly EmulatorLayout[];
  /** Name of the entry, with `{target}`: `qemu-{target}`. */
  readonly entry: string;
  /** Arch id → mask of its entry, lower case hex, if it differs from the arch's because the project's own entry matches more files. */
  readonly masks?: Readonly<Record<string, string>> | undefined;
  /** Whether it supports flag P: `auto` since this version, by AT_FLAGS; `always` if built so; `never`. */
  readonly preserveArgv0: { readonly mode: 'auto' | 'always' | 'never'; readonly since?: string | undefined };
  /** Whether it reads the program from AT_EXECFD, so that flag O lets it run unreadable programs. */
  readonly openBinary: boolean;
  /** Whether a dynamic build is registered with flag F, as the project's own entry is. Static builds always are. */
  readonly fixBinary?: boolean | undefined;
  /** Whether it has the guest's libraries, so that dynamic programs run without their loader on the machine. */
  readonly ownLibraries?: boolean | undefined;
  readonly version: {
    /** A program in the same directory that prints the version. The emulator itself is then never started for it. */
    readonly program?: string | undefined;
    readonly arguments: readonly string[];
    /** Regular expression whose first group is the version. */
    readonly pattern: string;
    /** Whether its file contains the line that it prints, so that the version is known even if it cannot run here. */
    readonly inBytes?: boolean | undefined;
    /** Environment variables that make it print its version when started through an entry. */
    readonly throughEntry?: Readonly<Record<string, string>> | undefined;
  };
  readonly knownBad: readonly KnownBad[];
}

export type Profile = Arch | Format | EmulatorProfile;

/** All profiles, by kind and id. Plain data that is compiled to JSON at build time. */
export interface Catalogue {
  readonly arches: Readonly<Record<string, Arch>>;
  readonly formats: Readonly<Record<string, Format>>;
  readonly emulators: Readonly<Record<string, EmulatorProfile>>;
}
