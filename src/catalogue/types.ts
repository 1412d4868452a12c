import type { ElfIdentity, ProbeSpec } from '../elf/types.ts';

/** The spellings of an arch, by who uses them. Each list may be empty. */
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

/** Why some bytes of a magic are not, or not wholly, compared. */
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
    /** The bits of `e_flags` that tell this arch from its siblings. */
    readonly flags?: { readonly value: number; readonly mask: number } | undefined;
  };
  /** Lower case hex, equally long; no magic bit outside the mask. */
  readonly magic: string;
  readonly mask: string;
  readonly masked: readonly MaskedBytes[];
  readonly aliases: Aliases;
  /** Arches that this one's hardware and kernel may run natively, to be seen by a probe: `i386` on x86_64. */
  readonly compat: readonly string[];
  /** Ids of arches whose pattern overlaps on purpose; both sides must say so. */
  readonly overlaps: readonly string[];
  readonly probe: ProbeSpec;
}

/** How the kernel recognises a format: by bytes or by the extension of the file name. */
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
  /** Any of these; each becomes an entry of its own. */
  readonly matches: readonly FormatMatch[];
  /** Programs that run it, first found wins; `package` as Debian names it. */
  readonly interpreters: readonly {
    readonly path: string;
    readonly package?: string | undefined;
    readonly note?: string | undefined;
  }[];
  /** Letters of the kernel's flags, for each of its entries. */
  readonly flags?: string | undefined;
  readonly overlaps: readonly string[];
  readonly note?: string | undefined;
}

/** One place where a distribution keeps an emulator. `{target}` stands for the guest's name in `guests`. */
export interface EmulatorLayout {
  /** `debian<=12`, `debian>=13`, `fedora`, `alpine`, `arch`, `ubuntu`, `binfmtctl` … */
  readonly distribution: string;
  /** Absolute path with `{target}`, in order of preference. */
  readonly paths: readonly string[];
  /** Package names with `{target}`; empty where there is none. */
  readonly packages: readonly string[];
  readonly linkage: 'static' | 'dynamic' | 'either';
}

/** Versions of an emulator with a known fault, and a way out. */
export interface KnownBad {
  /** semver range of the emulator's version. */
  readonly range: string;
  /** Ids, or `*`. */
  readonly guests: readonly string[];
  readonly hosts: readonly string[];
  /** semver range of the kernel's version; absent for all. */
  readonly kernels?: string | undefined;
  /** Sizes of the kernel's pages, in bytes; absent for all. */
  readonly pageSizes?: readonly number[] | undefined;
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
  /** Arch (or format) id → what `{target}` stands for. */
  readonly guests: Readonly<Record<string, string>>;
  /** Ids of the machines' arches that it runs on; itself it may be of another one that they run natively. */
  readonly hosts: readonly string[];
  readonly layouts: readonly EmulatorLayout[];
  /** Name of the entry, with `{target}`: `qemu-{target}`. */
  readonly entry: string;
  /** Arch id → mask of its entry, lower case hex, where that is not the arch's: its makers' entry takes more files. */
  readonly masks?: Readonly<Record<string, string>> | undefined;
  /** Whether it understands the kernel's P flag: `auto` from this version on by AT_FLAGS, `always` when built so, `never`. */
  readonly preserveArgv0: { readonly mode: 'auto' | 'always' | 'never'; readonly since?: string | undefined };
  /** Whether it takes the program from AT_EXECFD, so that flag O lets it run programs that it may not read. */
  readonly openBinary: boolean;
  /** Whether a dynamic build is registered with flag F, too, as its makers' entry is; static ones always are. */
  readonly fixBinary?: boolean | undefined;
  /** Whether it needs no loader of the guest at the place that a program names: it has libraries, or a tree of them, of its own. */
  readonly ownLibraries?: boolean | undefined;
  readonly version: {
    /** A program beside it that prints the version in its place; the emulator itself is then never started for that. */
    readonly program?: string | undefined;
    readonly arguments: readonly string[];
    /** Regular expression whose first group is the version. */
    readonly pattern: string;
    /** Whether the line that it prints stands in its bytes, too: then the version of one that cannot run here is known. */
    readonly inBytes?: boolean | undefined;
    /** Environment that makes it print its version when started through an entry. */
    readonly throughEntry?: Readonly<Record<string, string>> | undefined;
  };
  readonly knownBad: readonly KnownBad[];
}

export type Profile = Arch | Format | EmulatorProfile;

/** All profiles, by kind and id. Plain data: it is compiled to JSON at build time. */
export interface Catalogue {
  readonly arches: Readonly<Record<string, Arch>>;
  readonly formats: Readonly<Record<string, Format>>;
  readonly emulators: Readonly<Record<string, EmulatorProfile>>;
}
