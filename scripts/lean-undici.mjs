// Bundles only the parts of undici that we use: connections, proxies and requests.

/** The exports that src/net uses. undici's index would also replace the global `fetch`. */
const PARTS = `
  exports.Agent = require('undici/lib/dispatcher/agent.js');
  exports.Pool = require('undici/lib/dispatcher/pool.js');
  exports.ProxyAgent = require('undici/lib/dispatcher/proxy-agent.js');
  exports.buildConnector = require('undici/lib/core/connect.js');
  Object.assign(require('undici/lib/dispatcher/dispatcher.js').prototype, {
    connect: require('undici/lib/api/api-connect.js'),
    request: require('undici/lib/api/api-request.js'),
  });
`;

/** HTTP/2, SOCKS, bodies of fetch, and the SIMD parser: the other parser runs on every processor. */
const LEFT_OUT =
  /^\.\.?\/(?:client-h2|socks5-proxy-agent|(?:\.\.\/)?web\/fetch\/body|llhttp\/llhttp_simd-wasm)(?:\.js)?$/;

/** A plugin for esbuild. `root` is the directory with node_modules. */
export const leanUndici = (root) => ({
  name: 'lean-undici',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^undici$/ }, () => ({ path: 'parts', namespace: 'undici' }));
    onLoad({ filter: /^parts$/, namespace: 'undici' }, () => ({ contents: PARTS, resolveDir: root }));
    onResolve({ filter: LEFT_OUT }, ({ importer }) =>
      /node_modules\/undici\//.test(importer) ? { path: 'nothing', namespace: 'undici' } : null,
    );
    onLoad({ filter: /^nothing$/, namespace: 'undici' }, () => ({ contents: '' }));
  },
});
