import { Group, Select } from '@mantine/core';

import { useProcesses } from '../api/queries';
import { useParameter } from '../lib/url';
import { SpanChoice, useSpan } from '../statistics/SpanChoice';
import { StatisticsView } from '../statistics/StatisticsView';
import { t } from '../texts';
import { Page } from '../ui/parts';

export default function Statistics() {
  const [process, setProcess] = useParameter('process');
  const processes = useProcesses();
  const span = useSpan();
  return (
    <Page title={t.statistics.title}>
      <Group align="end">
        <Select
          label={t.statistics.process}
          placeholder={t.all}
          clearable
          searchable
          limit={100}
          w={220}
          value={process || null}
          onChange={(value) => setProcess(value)}
          data={(processes.data ?? []).map((each) => each.name)}
        />
        <SpanChoice />
      </Group>
      <StatisticsView where={{ span, process: process || undefined }} />
    </Page>
  );
}
