import { Select } from '@mantine/core';

import { useParameter } from '../lib/url';
import { t } from '../texts';
import type { SpanName } from './spans';

const SPANS: SpanName[] = ['minute', 'hour', 'day'];

export function useSpan(): SpanName {
  const [span] = useParameter('span');
  return SPANS.find((each) => each === span) ?? 'minute';
}

export function SpanChoice() {
  const [, setSpan] = useParameter('span');
  return (
    <Select
      label={t.statistics.span}
      w={180}
      allowDeselect={false}
      value={useSpan()}
      onChange={(value) => setSpan(value === 'minute' ? null : value)}
      data={SPANS.map((value) => ({ value, label: t.statistics.spans[value] }))}
    />
  );
}
