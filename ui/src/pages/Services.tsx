import { Accordion, Anchor, Button, Group, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';

import { api, ask, type Schemas } from '../api/client';
import { useChange, useControlServices, useProcesses } from '../api/queries';
import { bytes } from '../lib/bytes';
import { processHref, useParameter } from '../lib/url';
import { t } from '../texts';
import { Act, Empty, Fact, Page, Rows, Shown, State, When } from '../ui/parts';
import { useMay } from '../who';

type Service = Schemas['ControlServiceOut'];

// So many are shown at once: each holds a table.
const PAGE = 50;

export default function Services() {
  const services = useControlServices();
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
                  <Accordion.Item key={service.id} value={service.id}>
                    <Accordion.Control>
                      <Group justify="space-between" pr="xs" gap="xs">
                        <Text fw={600}>
                          {service.process} v{service.version}
                        </Text>
                        <Group gap="xs">
                          <Text size="sm" c="dimmed">
                            {t.services.deployers[service.deployer]}
                          </Text>
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
                          <Load service={service} />
                          {service.last_error && <Fact name={t.services.error}>{service.last_error}</Fact>}
                          <Fact name={t.instances.process}>
                            <Anchor component={Link} href={processHref(service.process, { version: service.version })} underline="always" size="sm">
                              {t.processes.open}
                            </Anchor>
                          </Fact>
                        </Group>
                        <Doing service={service} />
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

/** Where it runs, and what that costs. */
function Load({ service }: { service: Service }) {
  return (
    <>
      <Fact name={t.services.where}>
        <span style={{ overflowWrap: 'anywhere' }}>{[service.host, service.container ?? service.pid].filter((part) => part != null).join(' · ')}</span>
      </Fact>
      <Fact name={t.services.restarts}>{service.restarts}</Fact>
      <Fact name={t.services.rate}>{service.rate.toFixed(1)}</Fact>
      {service.cpu !== null && <Fact name={t.services.cpu}>{`${(service.cpu * 100).toFixed(1)} %`}</Fact>}
      {service.memory !== null && (
        <Fact name={t.services.memory}>{service.shared ? t.services.sharedMemory(bytes(service.memory)) : bytes(service.memory)}</Fact>
      )}
    </>
  );
}

/** Restart it; have all versions of its process run elsewhere. */
function Doing({ service }: { service: Service }) {
  const processes = useProcesses();
  const may = useMay('edit');
  const chosen = processes.data?.find((process) => process.name === service.process)?.deployer ?? 'default';
  const restart = useChange(() => ask(api.POST('/api/v1/control-services/{id}/restart', { params: { path: { id: service.id } } })), {
    fresh: ['services'],
    said: () => t.services.restarting(`${service.process} v${service.version}`),
  });
  const move = useChange(
    (deployer: string) =>
      ask(
        api.PUT('/api/v1/processes/{process}/deployer', {
          params: { path: { process: service.process } },
          body: { deployer: deployer === 'default' ? null : (deployer as Service['deployer']) },
        }),
      ),
    { fresh: ['services', 'processes'], said: () => t.services.moved(service.process) },
  );
  const ways = [{ value: 'default', label: t.services.moveDefault }, ...Object.entries(t.services.deployers).map(([value, label]) => ({ value, label }))];
  return (
    <Group align="end">
      <Act needs="operate" variant="default" onClick={() => restart.mutate(undefined)} disabled={restart.isPending}>
        {t.services.restart}
      </Act>
      <Select
        label={t.services.move(service.process)}
        data={ways}
        value={chosen}
        allowDeselect={false}
        disabled={!may || move.isPending}
        onChange={(value) => value && move.mutate(value)}
      />
    </Group>
  );
}
