// What changed between two texts, line by line.
export interface Line {
  kind: 'same' | 'gone' | 'new' | 'skipped';
  text: string;
}

// Lines of each side up to which the shortest way is looked for; beyond it everything between counts as changed.
const MOST = 1500;
// So many lines that stayed are shown around what changed.
const AROUND = 2;

/** The lines of both texts in order, those that are only in one of them marked. */
export function lineDiff(before: string, after: string): Line[] {
  const old = before.split('\n');
  const now = after.split('\n');
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  const same = (text: string): Line => ({ kind: 'same', text });
  return [
    ...old.slice(0, head).map(same),
    ...between(old.slice(head, old.length - tail), now.slice(head, now.length - tail)),
    ...old.slice(old.length - tail).map(same),
  ];
}

/** Only what changed, with a little around it; what is left out is one line that says how much. */
export function changedLines(before: string, after: string): Line[] {
  const lines = lineDiff(before, after);
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some((each) => each.kind !== 'same'));
  const found: Line[] = [];
  let left = 0;
  const skip = () => {
    if (left > 0) found.push({ kind: 'skipped', text: String(left) });
    left = 0;
  };
  lines.forEach((line, at) => {
    if (near[at]) {
      skip();
      found.push(line);
    } else left += 1;
  });
  skip();
  return found;
}

function between(old: string[], now: string[]): Line[] {
  const gone = (text: string): Line => ({ kind: 'gone', text });
  const fresh = (text: string): Line => ({ kind: 'new', text });
  if (old.length > MOST || now.length > MOST) return [...old.map(gone), ...now.map(fresh)];
  // longest[i][j]: how many lines the rests of both from i and j on have in common.
  const longest = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      longest[i]![j] = old[i] === now[j] ? longest[i + 1]![j + 1]! + 1 : Math.max(longest[i + 1]![j]!, longest[i]![j + 1]!);
    }
  }
  const found: Line[] = [];
  let [i, j] = [0, 0];
  while (i < old.length && j < now.length) {
    if (old[i] === now[j]) {
      found.push({ kind: 'same', text: old[i]! });
      i += 1;
      j += 1;
    } else if (longest[i + 1]![j]! >= longest[i]![j + 1]!) found.push(gone(old[i++]!));
    else found.push(fresh(now[j++]!));
  }
  return [...found, ...old.slice(i).map(gone), ...now.slice(j).map(fresh)];
}
