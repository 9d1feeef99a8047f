/* One door to the server. Every failure is an ApiError with words for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(message: string, status: number, code: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const TIMEOUT_MS = 15_000;

function asError(status: number, text: string): ApiError {
  try {
    const body = JSON.parse(text) as { error_code?: string; message?: string };
    if (body.message) return new ApiError(body.message, status, body.error_code ?? '');
  } catch {
    // not JSON: the status is all that is known
  }
  return new ApiError(`The server answered with status ${status}.`, status, '');
}

export async function requestText(url: string, init?: RequestInit): Promise<string> {
  let status: number, text: string;
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    status = answer.status;
    text = await answer.text();
  } catch (e) {
    const slow = e instanceof DOMException && e.name === 'TimeoutError';
    throw new ApiError(
      slow ? `The server did not answer within ${TIMEOUT_MS / 1000} s.` : 'The server cannot be reached. Is `tidemill server` running?',
      0,
      slow ? 'TIMEOUT' : 'UNREACHABLE',
    );
  }
  if (status < 200 || status > 299) throw asError(status, text);
  return text;
}

export function postJson(url: string, body: string): Promise<string> {
  return requestText(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
}
