/** GitHub's cache service on this machine: its second version; the first one always fails. */
import { createServer } from 'node:http';
import { listen } from '../../integration/fixtures/registry.ts';

export interface CacheService {
  /** Variables that the runner sets for an action. */
  readonly env: Readonly<Record<string, string>>;
  /** Archives by key. */
  readonly archives: Map<string, Buffer>;
  /** Each request: its method and path. */
  readonly requests: string[];
  readonly close: () => Promise<void>;
}

export async function startCacheService(): Promise<CacheService> {
  const archives = new Map<string, Buffer>();
  const requests: string[] = [];
  const blocks: Buffer[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push(`${method} ${url.replace(/\?.*/, '')}`);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    const blob = (key: string): string => `http://${headers.host}/blob/${encodeURIComponent(key)}`;
    const answer = (document: unknown): void => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
    };
    if (url.includes('/_apis/')) {
      response.writeHead(500).end();
    } else if (url.endsWith('/GetCacheEntryDownloadURL')) {
      const { key } = JSON.parse(body.toString());
      const ok = archives.has(key);
      answer(ok ? { ok, signed_download_url: blob(key), matched_key: key } : { ok });
    } else if (url.endsWith('/CreateCacheEntry')) {
      const { key } = JSON.parse(body.toString());
      answer(archives.has(key) ? { ok: false } : { ok: true, signed_upload_url: blob(key) });
    } else if (url.endsWith('/FinalizeCacheEntryUpload')) {
      answer({ ok: true, entry_id: '1' });
    } else {
      const key = decodeURIComponent(/^\/blob\/([^?]+)/.exec(url)?.[1] ?? '');
      if (method === 'PUT' && url.includes('comp=block&')) blocks.push(body);
      else if (method === 'PUT')
        archives.set(key, url.includes('comp=') ? Buffer.concat(blocks.splice(0)) : body);
      const sent = method === 'GET' ? archives.get(key) : undefined;
      response.writeHead(method === 'PUT' ? 201 : 200, { etag: '"1"', 'content-length': sent?.length ?? 0 });
      response.end(sent);
    }
  });
  const { host, close } = await listen(server);
  const url = `http://${host}/`;
  // A token of three parts, as JSON Web Tokens are.
  const env = { ACTIONS_CACHE_SERVICE_V2: 'true', ACTIONS_RESULTS_URL: url, ACTIONS_RUNTIME_TOKEN: 'a.b.c' };
  return { env, archives, requests, close };
}
