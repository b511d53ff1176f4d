import { Accordion, Anchor, Button, Group, Stack, Table, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';

import { useServices } from '../api/queries';
import { processHref, useParameter } from '../lib/url';
import { t } from '../texts';
import { Empty, Fact, Page, Rows, Shown, State, When } from '../ui/parts';

// So many are shown at once: each holds a table.
const PAGE = 50;

export default function Services() {
  const services = useServices();
  const [open, setOpen] = useParameter('id');
  const [search, setSearch] = useParameter('q');
  const [shown, setShown] = useState(PAGE);
  return (
    <Page title={t.services.title}>
      <Text size="sm">{t.services.about}</Text>
      <Shown of={services}>
        {(data) => {
          if (data.length === 0) return <Empty title={t.services.empty} about={t.services.emptyAbout} />;
          const up = data.filter((each) => each.status === 'running').length;
          const sorted = data.filter((each) => each.process.toLowerCase().includes(search.toLowerCase())).sort((a, b) => Number(a.status === 'running') - Number(b.status === 'running') || a.process.localeCompare(b.process));
          return (
            <Stack>
              <Group>
                <TextInput aria-label={t.search} placeholder={t.search} value={search} onChange={(event) => setSearch(event.currentTarget.value, true)} />
                <Text size="sm">{t.services.up(up, data.length)}</Text>
              </Group>
              <Accordion variant="separated" value={open || null} onChange={(value) => setOpen(value, true)} order={2}>
                {sorted.slice(0, shown).map((service) => (
                  <Accordion.Item key={service.version_id} value={String(service.version_id)}>
                    <Accordion.Control>
                      <Group justify="space-between" pr="xs" gap="xs">
                        <Text fw={600}>
                          {service.process} v{service.version}
                        </Text>
                        <Group gap="xs">
                          {service.lanes.some((lane) => lane.held) && <State of="warning" text={t.services.held} />}
                          <State of={service.status} />
                        </Group>
                      </Group>
                    </Accordion.Control>
                    <Accordion.Panel>
                      <Stack gap="xs">
                        <Group gap="xl">
                          <Fact name={t.services.since}>
                            <When at={service.since} />
                          </Fact>
                          <Fact name={t.services.restarts}>{service.restarts}</Fact>
                          {service.last_error && <Fact name={t.services.error}>{service.last_error}</Fact>}
                          <Fact name={t.instances.process}>
                            <Anchor component={Link} href={processHref(service.process, { version: service.version })} underline="always" size="sm">
                              {t.processes.open}
                            </Anchor>
                          </Fact>
                        </Group>
                        {service.lanes.length > 0 && (
                          <Rows label={t.services.nodes} head={[t.queues.node, t.services.flight, t.services.held, t.home.nextTry]}>
                            {service.lanes.map((lane) => (
                              <Table.Tr key={lane.node}>
                                <Table.Td>{lane.name}</Table.Td>
                                <Table.Td>{lane.in_flight}</Table.Td>
                                <Table.Td style={{ overflowWrap: 'anywhere' }}>{lane.held ?? '–'}</Table.Td>
                                <Table.Td>
                                  <When at={lane.held_until} />
                                </Table.Td>
                              </Table.Tr>
                            ))}
                          </Rows>
                        )}
                      </Stack>
                    </Accordion.Panel>
                  </Accordion.Item>
                ))}
              </Accordion>
              {sorted.length > shown && (
                <Group justify="center">
                  <Button variant="default" onClick={() => setShown(shown + PAGE)}>
                    {t.more}
                  </Button>
                </Group>
              )}
            </Stack>
          );
        }}
      </Shown>
    </Page>
  );
}
