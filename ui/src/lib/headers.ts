// Header fields as people write them: one per line.

export type HeadersRead = { ok: true; headers: Record<string, string> } | { ok: false; line: string };

export function headersOf(lines: string): HeadersRead {
  const headers: Record<string, string> = {};
  for (const line of lines.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const found = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*(.*)$/.exec(line);
    if (found === null) return { ok: false, line };
    headers[found[1]!] = found[2]!;
  }
  return { ok: true, headers };
}
