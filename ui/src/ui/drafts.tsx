// Making processes and drafts, from the list and from the page of a process.
import { Alert, Autocomplete, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useEffect, useState, type FormEvent } from 'react';
import { Link } from 'wouter';

import { api, ask, Problem, send, type Schemas } from '../api/client';
import { given, useChange, useProcesses } from '../api/queries';
import { nameOfFile } from '../lib/folders';
import { href, processHref } from '../lib/url';
import { t } from '../texts';
import { Failure, Findings } from './parts';

export function CreateProcess({ opened, close, done }: { opened: boolean; close: () => void; done: (name: string) => void }) {
  const [name, setName] = useState('');
  const [folder, setFolder] = useState('');
  const create = useChange((body: { name: string; folder: string }) => ask(api.POST('/api/v1/processes', { body })), {
    fresh: ['processes'],
    done: (made) => {
      close();
      done(made.name);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name: name.trim(), folder: folder.trim() });
  };
  return (
    <Modal opened={opened} onClose={close} title={t.processes.createTitle} closeButtonProps={{ 'aria-label': t.close }}>
      <form onSubmit={submit}>
        <Stack>
          {create.error && <Failure error={create.error} />}
          <TextInput label={t.processes.name} required data-autofocus value={name} onChange={(e) => setName(e.currentTarget.value)} />
          <TextInput
            label={t.processes.folder}
            description={t.processes.folderAbout}
            value={folder}
            onChange={(e) => setFolder(e.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={create.isPending}>
              {t.processes.create}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

type Draft = Schemas['DraftOut'] & { process: string };

/** Put a file as the draft of a process, which is made if it is not there. */
async function putDraft(file: File, process: string, note: string): Promise<Draft> {
  await ask(api.POST('/api/v1/processes', { body: { name: process, folder: '' } })).catch((error: unknown) => {
    if (!(error instanceof Problem && error.code === 'name-taken')) throw error;
  });
  const path = href(`/api/v1/processes/${encodeURIComponent(process)}/draft`, given({ file: file.name, note }));
  const type = /\.json$/i.test(file.name) ? 'application/json' : 'application/xml';
  return { ...(await send<Schemas['DraftOut']>('PUT', path, file, type)), process };
}

export function UploadDraft({ file, process, close }: { file: File | null; process?: string; close: () => void }) {
  const [name, setName] = useState('');
  const [note, setNote] = useState('');
  const processes = useProcesses();
  const put = useChange((chosen: File) => putDraft(chosen, name.trim(), note.trim()), { fresh: ['processes', 'drawing', 'nodes'] });
  const { reset } = put;
  useEffect(() => {
    if (file === null) return;
    setName(process ?? nameOfFile(file.name));
    setNote('');
    reset();
  }, [file, process, reset]);
  return (
    <Modal opened={file !== null} onClose={close} title={t.processes.uploadTitle} size="lg" closeButtonProps={{ 'aria-label': t.close }}>
      {put.data ? (
        <Drafted draft={put.data} close={close} />
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (file) put.mutate(file);
          }}
        >
          <Stack>
            <Text size="sm">
              {t.processes.file}: {file?.name}
            </Text>
            {put.error && <Failure error={put.error} />}
            {put.error instanceof Problem && Array.isArray(put.error.extra.findings) && (
              <Findings found={put.error.extra.findings as Schemas['FindingOut'][]} />
            )}
            <Autocomplete
              label={t.processes.process}
              description={t.processes.processAbout}
              required
              disabled={process !== undefined}
              data={(processes.data ?? []).map((each) => each.name)}
              value={name}
              onChange={setName}
              limit={8}
            />
            <TextInput label={t.processes.note} value={note} onChange={(e) => setNote(e.currentTarget.value)} />
            <Group justify="flex-end">
              <Button type="submit" loading={put.isPending}>
                {t.processes.put}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

function Drafted({ draft, close }: { draft: Draft; close: () => void }) {
  const todo = draft.findings.filter((each) => each.severity === 'error').length;
  return (
    <Stack>
      <Alert color="teal">{draft.published ? t.processes.same(draft.version) : t.processes.drafted(draft.version)}</Alert>
      <Text fw={600} size="sm">
        {t.processes.findings}
      </Text>
      <Findings found={draft.findings} />
      {!draft.published && todo > 0 && <Text size="sm">{t.processes.todo(todo)}</Text>}
      <Group justify="flex-end">
        <Button component={Link} variant={todo > 0 ? 'default' : 'filled'} href={processHref(draft.process, { version: draft.version })} onClick={close}>
          {t.processes.open}
        </Button>
        <Button component={Link} variant={todo > 0 ? 'filled' : 'default'} href={href(`/process/${encodeURIComponent(draft.process)}/edit`, { version: draft.version })} onClick={close}>
          {t.processes.openEditor}
        </Button>
      </Group>
    </Stack>
  );
}
