import type { Socket } from 'node:net';
import { failure } from './error.ts';

/**
 * Lets undici 7 see the end of a connection only once it has read all that came. It stops reading when a body is not taken fast
 * enough; if the server closes the connection then, an assertion ends the process (undici#5360, repaired in undici 8, which needs
 * Node 22).
 */
export function holdEnd<Connection extends Socket>(socket: Connection): Connection {
  const { push, read, destroy } = socket;
  let isHeld = false;
  let isAsking = false;
  /** Lets it read, which it only does while it is not waiting. */
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
    // A connection that was reset would be taken for one that has ended.
    destroy: (error) => destroy.call(socket, isReset(error) ? failure('UND_ERR_SOCKET', 'reset') : error),
  };
  return Object.assign(socket, changed);
}

const isReset = (error: NodeJS.ErrnoException | undefined): boolean => error?.code === 'ECONNRESET';
