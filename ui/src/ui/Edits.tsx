// What a person has changed in a body, before it is sent.
import { Text } from '@mantine/core';

import { changedLines } from '../lib/lines';
import { jsonFault, pretty } from '../lib/recent';
import { t } from '../texts';

/** JSON is compared as it reads when each member has its line, however it was written. */
export function Edits({ before, after }: { before: string; after: string }) {
  const json = jsonFault(before) === null && jsonFault(after) === null;
  const lines = json ? changedLines(pretty(before), pretty(after)) : changedLines(before, after);
  if (lines.every((line) => line.kind === 'same' || line.kind === 'skipped')) {
    return <Text size="sm">{t.trash.onlySpaces}</Text>;
  }
  return (
    <section aria-label={t.trash.edits}>
      <Text size="sm" fw={600} mb={4}>
        {t.trash.edits}
      </Text>
      <pre className="text edits" tabIndex={0}>
        {lines.map((line, at) =>
          line.kind === 'skipped' ? (
            <span key={at} className="skipped">
              {t.trash.sameLines(Number(line.text))}
              {'\n'}
            </span>
          ) : (
            <Changed key={at} kind={line.kind} text={line.text} />
          ),
        )}
      </pre>
    </section>
  );
}

function Changed({ kind, text }: { kind: 'same' | 'gone' | 'new'; text: string }) {
  if (kind === 'same') return <span>{`  ${text}\n`}</span>;
  return kind === 'gone' ? <del>{`- ${text}\n`}</del> : <ins>{`+ ${text}\n`}</ins>;
}
