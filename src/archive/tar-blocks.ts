const BLOCK = 512;

/** Reads a stream in blocks of 512 bytes. The last block may be shorter. */
export function blockReader(bytes: AsyncIterable<Uint8Array>) {
  const chunks = bytes[Symbol.asyncIterator]();
  let pending: Uint8Array = new Uint8Array();
  /** Reads until at least `size` bytes are pending or the stream ends. */
  const fill = async (size: number): Promise<void> => {
    const parts = [pending];
    let length = pending.length;
    while (length < size) {
      const { done, value } = await chunks.next();
      if (done) break;
      parts.push(value);
      length += value.length;
    }
    if (parts.length === 1) return;
    const joined = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    pending = joined;
  };
  const take = (size: number): Uint8Array => {
    const taken = pending.subarray(0, size);
    pending = pending.subarray(size);
    return taken;
  };
  return {
    /** The next block; null at the end. */
    next: async (): Promise<Uint8Array | null> => {
      await fill(BLOCK);
      return pending.length === 0 ? null : take(BLOCK);
    },
    /** The blocks that contain the next `size` bytes. */
    pass: async function* (size: number): AsyncGenerator<Uint8Array> {
      let left = Math.ceil(size / BLOCK) * BLOCK;
      while (left > 0) {
        await fill(1);
        if (pending.length === 0) return;
        const part = take(left);
        left -= part.length;
        yield part;
      }
    },
    rest: async function* (): AsyncGenerator<Uint8Array> {
      if (pending.length > 0) yield pending;
      for (;;) {
        const { done, value } = await chunks.next();
        if (done) return;
        yield value;
      }
    },
  };
}
