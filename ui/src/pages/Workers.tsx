import { Accordion, Button, Code, Group, Modal, Stack, Table, Text, Textarea, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';

import { api, ask, type Schemas } from '../api/client';
import { useChange, useWorkerActions, useWorkerCheck, useWorkers } from '../api/queries';
import { headersOf } from '../lib/headers';
import { useParameter } from '../lib/url';
import { t } from '../texts';
import { Act, Confirm, Empty, Failure, Page, Rows, Shown, State, When, type Question } from '../ui/parts';

type Worker = Schemas['WorkerOut'];

export default function Workers() {
  const workers = useWorkers();
  const [name, setName] = useParameter('name');
  const [editing, setEditing] = useState<Worker | 'new' | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const remove = useChange((worker: string) => ask(api.DELETE('/api/v1/workers/{name}', { params: { path: { name: worker } } })), {
    fresh: ['workers'],
    said: () => t.workers.removed,
  });
  const add = (
    <Act needs="admin" leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')}>
      {t.workers.add}
    </Act>
  );
  return (
    <Page title={t.workers.title} side={add}>
      <Shown of={workers}>
        {(data) =>
          data.length === 0 ? (
            <Empty title={t.workers.empty} about={t.workers.emptyAbout} />
          ) : (
            <Accordion variant="separated" value={name || null} onChange={(value) => setName(value, true)} order={2}>
              {data.map((worker) => (
                <Accordion.Item key={worker.name} value={worker.name}>
                  <Accordion.Control>
                    <Group justify="space-between" gap="xs" pr="xs">
                      <div>
                        <Text fw={600}>{worker.name}</Text>
                        <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                          {worker.url}
                        </Text>
                      </div>
                      <WorkerState name={worker.name} />
                    </Group>
                  </Accordion.Control>
                  <Accordion.Panel>
                    <Details
                      worker={worker}
                      open={name === worker.name}
                      edit={() => setEditing(worker)}
                      remove={() =>
                        setQuestion({
                          title: `${t.remove} ${worker.name}`,
                          text: t.workers.removeAsk(worker.name),
                          yes: t.remove,
                          danger: true,
                          act: () => remove.mutate(worker.name),
                        })
                      }
                    />
                  </Accordion.Panel>
                </Accordion.Item>
              ))}
            </Accordion>
          )
        }
      </Shown>
      <Modal
        opened={editing !== null}
        onClose={() => setEditing(null)}
        title={editing === 'new' ? t.workers.add : t.workers.edit}
        closeButtonProps={{ 'aria-label': t.close }}
      >
        {editing !== null && <WorkerForm worker={editing === 'new' ? null : editing} close={() => setEditing(null)} />}
      </Modal>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Page>
  );
}

export function WorkerState({ name }: { name: string }) {
  const check = useWorkerCheck(name);
  if (check.error) return <State of="failed" text={t.workers.bad} />;
  if (check.data === undefined) return <State of="draft" text={t.workers.checking} />;
  return <State of={check.data.ok ? 'finished' : 'failed'} text={check.data.ok ? t.workers.ok : t.workers.bad} />;
}

function Details({ worker, open, edit, remove }: { worker: Worker; open: boolean; edit: () => void; remove: () => void }) {
  const check = useWorkerCheck(worker.name);
  const actions = useWorkerActions(worker.name, open);
  return (
    <Stack>
      {check.data?.problem && (
        <Text size="sm" role="status">
          {check.data.problem}
        </Text>
      )}
      <Text size="sm">
        {t.versions.created} <When at={worker.created} />
        {worker.header_names.length > 0 && (
          <>
            {' · '}
            {t.workers.headers}: {worker.header_names.map((each) => `${each}: ***`).join(', ')}
          </>
        )}
      </Text>
      <Group gap="xs">
        <Button size="compact-sm" variant="default" loading={check.isFetching} onClick={() => void Promise.all([check.refetch(), actions.refetch()])}>
          {t.workers.check}
        </Button>
        <Act needs="admin" size="compact-sm" variant="default" onClick={edit}>
          {t.workers.edit}
        </Act>
        <Act needs="admin" size="compact-sm" variant="light" color="red" onClick={remove}>
          {t.remove}
        </Act>
      </Group>
      {open && (
        <Shown of={actions} rows={3}>
          {(data) =>
            data.length === 0 ? (
              <Text size="sm">{t.workers.noActions}</Text>
            ) : (
              <Rows label={t.workers.actions} head={[t.workers.actions, t.workers.kind, t.workers.application]}>
                {data.map((action) => (
                  <Table.Tr key={`${action.kind} ${action.name}`}>
                    <Table.Td>
                      <Code>{action.name}</Code>
                    </Table.Td>
                    <Table.Td>{action.kind}</Table.Td>
                    <Table.Td>{action.application ?? '–'}</Table.Td>
                  </Table.Tr>
                ))}
              </Rows>
            )
          }
        </Shown>
      )}
    </Stack>
  );
}

function WorkerForm({ worker, close }: { worker: Worker | null; close: () => void }) {
  const [name, setName] = useState(worker?.name ?? '');
  const [url, setUrl] = useState(worker?.url ?? '');
  const [lines, setLines] = useState('');
  const headers = headersOf(lines);
  const put = useChange(
    (values: Record<string, string>) =>
      worker === null
        ? ask(api.POST('/api/v1/workers', { body: { name: name.trim(), url: url.trim(), headers: values } }))
        : ask(
            api.PUT('/api/v1/workers/{name}', {
              params: { path: { name: worker.name } },
              body: { url: url.trim(), ...(lines.trim() ? { headers: values } : {}) },
            }),
          ),
    { fresh: ['workers'], said: () => (worker === null ? t.workers.added : t.workers.changed), done: close },
  );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (headers.ok) put.mutate(headers.headers);
      }}
    >
      <Stack>
        {put.error && <Failure error={put.error} />}
        {worker === null && (
          <TextInput label={t.workers.name} required data-autofocus value={name} onChange={(e) => setName(e.currentTarget.value)} />
        )}
        <TextInput label={t.workers.url} description={t.workers.urlAbout} required value={url} onChange={(e) => setUrl(e.currentTarget.value)} />
        <Textarea
          label={t.workers.headers}
          description={worker ? `${t.workers.headersAbout} ${t.workers.headersKept}` : t.workers.headersAbout}
          value={lines}
          onChange={(e) => setLines(e.currentTarget.value)}
          error={headers.ok ? null : t.workers.badHeader(headers.line)}
          autosize
          minRows={2}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={put.isPending} disabled={!headers.ok}>
            {t.save}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
