import { Alert, Button, Checkbox, Code, CopyButton, Drawer, Group, Modal, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';

import { api, ask, type Schemas } from '../api/client';
import { useDeliveries, useWebhooks } from '../api/outside';
import { useChange, useProcesses } from '../api/queries';
import { bytes } from '../lib/bytes';
import { useParameter } from '../lib/url';
import { t } from '../texts';
import { Act, Confirm, Empty, Failure, Id, More, Page, Rows, Shown, State, When, type Question } from '../ui/parts';

type Webhook = Schemas['WebhookOut'];

export default function Hooks() {
  const webhooks = useWebhooks();
  const [id, setId] = useParameter('id');
  const [creating, setCreating] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const remove = useChange((each: Webhook) => ask(api.DELETE('/api/v1/webhooks/{id}', { params: { path: { id: each.id } } })), {
    fresh: ['webhooks'],
    said: () => t.hooks.removed,
  });
  const change = useChange(
    (each: Webhook) => ask(api.PUT('/api/v1/webhooks/{id}', { params: { path: { id: each.id } }, body: { enabled: !each.enabled } })),
    { fresh: ['webhooks'], said: () => t.hooks.changed },
  );
  return (
    <Page
      title={t.hooks.title}
      side={
        <Act needs="edit" leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
          {t.hooks.create}
        </Act>
      }
    >
      <Shown of={webhooks}>
        {(data) =>
          data.length === 0 ? (
            <Empty title={t.hooks.empty} about={t.hooks.emptyAbout} />
          ) : (
            <Rows label={t.hooks.title} head={[t.hooks.name, t.hooks.process, t.hooks.state, t.hooks.signed, t.hooks.origin, '']}>
              {data.map((each) => (
                <Table.Tr key={each.id}>
                  <Table.Td>
                    {each.name}
                    {each.application && (
                      <Text size="xs" c="dimmed">
                        {each.application} · {each.user}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>
                    {each.process}
                    {each.node && ` · ${each.node}`}
                  </Table.Td>
                  <Table.Td>
                    <State of={each.enabled ? 'enabled' : 'disabled'} text={each.enabled ? t.applications.on : t.applications.off} />
                    {each.given_up && <Text size="xs">{t.hooks.givenUp}</Text>}
                  </Table.Td>
                  <Table.Td>{each.signed ? '✓' : '–'}</Table.Td>
                  <Table.Td>{t.hooks.origins[each.origin]}</Table.Td>
                  <Table.Td>
                    <Group gap="xs" wrap="nowrap">
                      <Button size="compact-sm" variant="default" onClick={() => setId(each.id)}>
                        {t.hooks.deliveries}
                      </Button>
                      <Act needs="edit" size="compact-sm" variant="default" onClick={() => change.mutate(each)}>
                        {each.enabled ? t.hooks.turnOff : t.hooks.turnOn}
                      </Act>
                      <Act
                        needs="edit"
                        size="compact-sm"
                        variant="default"
                        onClick={() =>
                          setQuestion({ title: `${t.remove} ${each.name}`, text: t.hooks.removeAsk(each.name), yes: t.remove, danger: true, act: () => remove.mutate(each) })
                        }
                      >
                        {t.remove}
                      </Act>
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Rows>
          )
        }
      </Shown>
      <Modal opened={creating} onClose={() => setCreating(false)} title={t.hooks.create} size="lg" closeButtonProps={{ 'aria-label': t.close }}>
        <WebhookForm close={() => setCreating(false)} />
      </Modal>
      <Drawer opened={id !== ''} onClose={() => setId(null)} position="right" size="xl" title={t.hooks.deliveries} closeButtonProps={{ 'aria-label': t.close }}>
        {id !== '' && <Deliveries id={id} />}
      </Drawer>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Page>
  );
}

function WebhookForm({ close }: { close: () => void }) {
  const processes = useProcesses();
  const [name, setName] = useState('');
  const [process, setProcess] = useState<string | null>(null);
  const [node, setNode] = useState('');
  const [signed, setSigned] = useState(false);
  const make = useChange(
    () => ask(api.POST('/api/v1/webhooks', { body: { name: name.trim(), process: process ?? '', signed, ...(node.trim() ? { node: node.trim() } : {}) } })),
    { fresh: ['webhooks'] },
  );
  if (make.data) {
    const address = window.location.origin + make.data.path;
    return (
      <Stack>
        <Secret label={t.hooks.address} text={address} />
        {make.data.signing_secret && <Secret label={t.hooks.secret} text={make.data.signing_secret} />}
        <Group justify="flex-end">
          <Button onClick={close}>{t.close}</Button>
        </Group>
      </Stack>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate(undefined);
      }}
    >
      <Stack>
        {make.error && <Failure error={make.error} />}
        <TextInput label={t.hooks.name} required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <Select label={t.hooks.process} required searchable limit={100} value={process} onChange={setProcess} data={(processes.data ?? []).map((each) => each.name)} />
        <TextInput label={t.hooks.node} description={t.hooks.nodeAbout} value={node} onChange={(event) => setNode(event.currentTarget.value)} />
        <Checkbox label={t.hooks.signed} description={t.hooks.signedAbout} checked={signed} onChange={(event) => setSigned(event.currentTarget.checked)} />
        <Group justify="flex-end">
          <Button type="submit" loading={make.isPending} disabled={!process}>
            {t.hooks.create}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Secret({ label, text }: { label: string; text: string }) {
  return (
    <Alert color="blue" title={label}>
      <Group wrap="nowrap" align="flex-start">
        <Code style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>{text}</Code>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button size="compact-sm" variant="default" onClick={copy}>
              {copied ? t.copied : t.copy}
            </Button>
          )}
        </CopyButton>
      </Group>
    </Alert>
  );
}

function Deliveries({ id }: { id: string }) {
  const found = useDeliveries(id);
  return (
    <Shown of={found}>
      {(data) => {
        const items = data.pages.flatMap((page) => page.items);
        if (items.length === 0) return <Empty title={t.hooks.noDeliveries} />;
        return (
          <Stack>
            <Rows label={t.hooks.deliveries} head={[t.hooks.at, t.hooks.outcome, t.hooks.from, t.hooks.size, t.instances.id]}>
              {items.map((each) => (
                <Table.Tr key={each.id}>
                  <Table.Td>
                    <When at={each.at} />
                  </Table.Td>
                  <Table.Td>
                    <State of={each.outcome === 'refused' ? 'failed' : 'finished'} text={`${each.status} ${each.outcome}`} />
                    {each.detail && (
                      <Text size="xs" style={{ overflowWrap: 'anywhere' }}>
                        {each.detail}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>{each.sender}</Table.Td>
                  <Table.Td>{bytes(each.size)}</Table.Td>
                  <Table.Td>{each.instance ? <Id value={each.instance} to={`/instance/${each.instance}`} /> : '–'}</Table.Td>
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
