import { Group, Select, Stack, Table, Text } from '@mantine/core';

import { useLogs, useProcesses } from '../api/queries';
import { instant } from '../lib/time';
import { useParameter } from '../lib/url';
import { t } from '../texts';
import { Empty, Id, More, Page, Rows, Shown, State } from '../ui/parts';

export default function Logs() {
  const [process, setProcess] = useParameter('process');
  const processes = useProcesses();
  return (
    <Page title={t.logs.title}>
      <Group>
        <Select
          label={t.logs.process}
          placeholder={t.all}
          clearable
          searchable
          value={process || null}
          onChange={(value) => setProcess(value)}
          data={(processes.data ?? []).map((each) => each.name)}
        />
      </Group>
      <LogList where={{ process: process || undefined }} />
    </Page>
  );
}

export function LogList({ where }: { where: { instance?: string | undefined; process?: string | undefined } }) {
  const found = useLogs(where);
  return (
    <Shown of={found}>
      {(data) => {
        const items = data.pages.flatMap((page) => page.items);
        if (items.length === 0) return <Empty title={t.logs.empty} about={t.logs.emptyAbout} />;
        return (
          <Stack>
            <Rows label={t.logs.title} head={[t.logs.at, t.logs.level, t.logs.text, t.logs.node, t.logs.instance]}>
              {items.map((line) => (
                <Table.Tr key={line.seq}>
                  <Table.Td style={{ whiteSpace: 'nowrap' }}>{instant(line.at)}</Table.Td>
                  <Table.Td>
                    <State of={line.level} text={line.level} />
                  </Table.Td>
                  <Table.Td>
                    <Text size="sm" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
                      {line.text}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    {line.process} v{line.version} · {line.node}
                  </Table.Td>
                  <Table.Td>
                    <Id value={line.instance} to={`/instance/${line.instance}`} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Rows>
            <More query={found} />
          </Stack>
        );
      }}
    </Shown>
  );
}
