import type { Socket } from 'node:net';
import { failure } from './error.ts';

/**
 * Hides the end of a connection from undici 7 until it has read all data. undici stops reading while the consumer of a body is slow.
 * If the server closes the connection meanwhile, a failed assertion ends the process (undici#5360, fixed in undici 8, which requires
 * Node 22).
 */
export function holdEnd<Connection extends Socket>(socket: Connection): Connection {
  const { push, read, destroy } = socket;
  let isHeld = false;
  let isAsking = false;
  /** Makes undici read, unless it has paused. */
  const ask = (): void => {
    isAsking = true;
    socket.emit('readable');
    isAsking = false;
  };
  const changed: Pick<Socket, 'push' | 'read' | 'destroy'> = {
    push: (chunk, encoding) => {
      if (chunk !== null) return push.call(socket, chunk, encoding);
      isHeld = true;
      ask();
      return false;
    },
    read: (size) => {
      const chunk: unknown = read.call(socket, size);
      if (chunk !== null || !isHeld || size === 0) return chunk;
      if (!isAsking) process.nextTick(ask);
      else {
        isHeld = false;
        push.call(socket, null);
      }
      return null;
    },
    // undici would treat a reset connection as one that has ended.
    destroy: (error) => destroy.call(socket, isReset(error) ? failure('UND_ERR_SOCKET', 'reset') : error),
  };
  return Object.assign(socket, changed);
}

const isReset = (error: NodeJS.ErrnoException | undefined): boolean => error?.code === 'ECONNRESET';
