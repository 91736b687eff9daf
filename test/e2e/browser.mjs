// fetch as a page in a browser has it: CORS, as far as an MCP client meets it.
//
// It asks first where a browser asks first, fails with a TypeError where a browser
// does, and hides the response's fields that a browser hides.  See the Fetch
// standard, sections 3.3 and 4.8.

const SIMPLE_METHODS = ['GET', 'HEAD', 'POST'];
const SIMPLE_FIELDS = ['accept', 'accept-language', 'content-language'];
const SIMPLE_TYPES =
  /^(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)(;|$)/;
const ALWAYS_EXPOSED = [
  'cache-control',
  'content-language',
  'content-length',
  'content-type',
  'expires',
  'last-modified',
  'pragma',
];

const list = (value) =>
  (value ?? '').split(',').map((word) => word.trim()).filter(Boolean);
const lower = (words) => words.map((word) => word.toLowerCase());

function fail(why) {
  throw new TypeError(`fetch failed: CORS: ${why}`);
}

/** Names of the request's fields for which a browser asks. */
function unusual(headers) {
  return [...headers]
    .filter(([name, value]) =>
      name === 'content-type'
        ? !SIMPLE_TYPES.test(value)
        : !SIMPLE_FIELDS.includes(name),
    )
    .map(([name]) => name)
    .sort();
}

function checkShared(response, origin) {
  const allowed = response.headers.get('access-control-allow-origin');
  if (allowed !== '*' && allowed !== origin) {
    fail(`${response.url} is not shared: ${allowed}`);
  }
}

async function askFirst(realFetch, url, origin, method, fields) {
  const headers = { origin, 'access-control-request-method': method };
  if (fields.length > 0) {
    headers['access-control-request-headers'] = fields.join(',');
  }
  const response = await realFetch(url, { method: 'OPTIONS', headers });
  await response.body?.cancel();
  checkShared(response, origin);
  if (!response.ok) fail(`${method} ${url}: asked first, got ${response.status}`);
  const methods = list(response.headers.get('access-control-allow-methods'));
  if (![...methods, ...SIMPLE_METHODS].some((m) => m === method || m === '*')) {
    fail(`${method} is not allowed for ${url}`);
  }
  const names = lower(list(response.headers.get('access-control-allow-headers')));
  for (const field of fields) {
    const any = names.includes('*') && field !== 'authorization';
    if (!any && !names.includes(field)) fail(`${field} is not allowed for ${url}`);
  }
}

/** The response without what a page may not see. */
function filtered(response) {
  const exposed = lower(
    list(response.headers.get('access-control-expose-headers')),
  );
  const names = [...ALWAYS_EXPOSED, ...exposed];
  const headers = [...response.headers].filter(
    ([name]) => exposed.includes('*') || names.includes(name),
  );
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}

/** fetch for a page of this origin, over one that may do anything. */
export function browserFetch(realFetch, origin) {
  return async (input, init = {}) => {
    const url = new URL(input.url ?? input);
    if (url.origin === origin) return realFetch(input, init);
    const headers = new Headers(init.headers ?? input.headers);
    const method = init.method ?? input.method ?? 'GET';
    const fields = unusual(headers);
    if (fields.length > 0 || !SIMPLE_METHODS.includes(method)) {
      await askFirst(realFetch, url, origin, method, fields);
    }
    headers.set('origin', origin);
    const response = await realFetch(input, { ...init, headers });
    checkShared(response, origin);
    return filtered(response);
  };
}
