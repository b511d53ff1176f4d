import { Anchor, Code, Stack, Table, Text } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'wouter';

import { api, ask, type Schemas } from '../api/client';
import { useChange, useSchedules } from '../api/queries';
import { instant } from '../lib/time';
import { processHref } from '../lib/url';
import { t } from '../texts';
import { Act, Confirm, Empty, Page, Rows, Shown, State, When, type Question } from '../ui/parts';

type Schedule = Schemas['ScheduleOut'];

export default function Schedules() {
  return (
    <Page title={t.schedules.title}>
      <ScheduleList />
    </Page>
  );
}

export function ScheduleList({ process }: { process?: string }) {
  const found = useSchedules(process);
  const [question, setQuestion] = useState<Question | null>(null);
  const run = useChange(
    (one: Schedule) => ask(api.POST('/api/v1/schedules/{process}/{node}/run', { params: { path: { process: one.process, node: one.node } } })),
    { fresh: ['schedules', 'instances', 'queues'], said: () => t.schedules.ran },
  );
  return (
    <Shown of={found}>
      {(data) =>
        data.length === 0 ? (
          <Empty title={t.schedules.empty} about={t.schedules.emptyAbout} />
        ) : (
          <>
            <Rows
              label={t.schedules.title}
              head={[t.schedules.process, t.schedules.node, t.instances.state, t.schedules.rule, t.schedules.last, t.schedules.next, t.schedules.missed, '']}
            >
              {data.map((one) => (
                <Table.Tr key={`${one.process} ${one.node}`}>
                  <Table.Td>
                    <Anchor component={Link} href={processHref(one.process, { version: one.version, node: one.node })} underline="always" size="sm">
                      {one.process} v{one.version}
                    </Anchor>
                  </Table.Td>
                  <Table.Td>{one.name}</Table.Td>
                  <Table.Td>
                    <ScheduleState of={one} />
                  </Table.Td>
                  <Table.Td>
                    <Code>{one.value}</Code>
                    <Text size="xs" c="dimmed">
                      {one.zone}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    <When at={one.last} />
                  </Table.Td>
                  <Table.Td>
                    <Stack gap={0}>
                      {one.next.length === 0 && '–'}
                      {one.next.slice(0, 3).map((tick, index) => (
                        <Text key={tick} size={index === 0 ? 'sm' : 'xs'} c={index === 0 ? undefined : 'dimmed'} style={{ whiteSpace: 'nowrap' }}>
                          {instant(tick)}
                        </Text>
                      ))}
                    </Stack>
                  </Table.Td>
                  <Table.Td>{t.schedules.missedHow[one.missed] ?? one.missed}</Table.Td>
                  <Table.Td>
                    <Act
                      needs="operate"
                      size="compact-sm"
                      variant="default"
                      leftSection={<IconPlayerPlay size={14} />}
                      disabled={!one.active}
                      loading={run.isPending}
                      onClick={() =>
                        setQuestion({
                          title: t.schedules.run,
                          text: t.schedules.runAsk(`${one.process} · ${one.name}`),
                          yes: t.schedules.run,
                          act: () => run.mutate(one),
                        })
                      }
                    >
                      {t.schedules.run}
                    </Act>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Rows>
            <Confirm question={question} close={() => setQuestion(null)} />
          </>
        )
      }
    </Shown>
  );
}

export function ScheduleState({ of }: { of: Schedule }) {
  if (!of.active) return <State of="disabled" text={t.schedules.off} />;
  return of.late ? <State of="failed" text={t.schedules.late} /> : <State of="enabled" text={t.schedules.on} />;
}
