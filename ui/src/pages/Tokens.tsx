import { Alert, Button, Checkbox, Code, CopyButton, Group, Modal, Stack, Table, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';

import { api, ask, type Schemas } from '../api/client';
import { useChange, useTokens } from '../api/queries';
import { t } from '../texts';
import { Act, Confirm, Empty, Failure, Page, Rows, Shown, When, type Question } from '../ui/parts';

type Scopes = Schemas['TokenIn']['scopes'];
const SCOPES: Scopes = ['start', 'read', 'operate', 'edit', 'worker', 'admin'];

export default function Tokens() {
  const tokens = useTokens();
  const [creating, setCreating] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const revoke = useChange((id: string) => ask(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } })), {
    fresh: ['tokens'],
    said: () => t.tokens.revoked,
  });
  return (
    <Page
      title={t.tokens.title}
      side={
        <Act needs="admin" leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
          {t.tokens.create}
        </Act>
      }
    >
      <Shown of={tokens}>
        {(data) =>
          data.length === 0 ? (
            <Empty title={t.tokens.empty} about={t.tokens.emptyAbout} />
          ) : (
            <Rows label={t.tokens.title} head={[t.tokens.name, t.tokens.scopes, t.tokens.created, t.tokens.used, '']}>
              {data.map((token) => (
                <Table.Tr key={token.id}>
                  <Table.Td>{token.name}</Table.Td>
                  <Table.Td>{token.scopes.join(', ')}</Table.Td>
                  <Table.Td>
                    <When at={token.created} />
                  </Table.Td>
                  <Table.Td>{token.last_used ? <When at={token.last_used} /> : t.tokens.never}</Table.Td>
                  <Table.Td>
                    <Act
                      needs="admin"
                      size="compact-sm"
                      variant="default"
                      onClick={() =>
                        setQuestion({
                          title: `${t.tokens.revoke} ${token.name}`,
                          text: t.tokens.revokeAsk(token.name),
                          yes: t.tokens.revoke,
                          danger: true,
                          act: () => revoke.mutate(token.id),
                        })
                      }
                    >
                      {t.tokens.revoke}
                    </Act>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Rows>
          )
        }
      </Shown>
      <Modal opened={creating} onClose={() => setCreating(false)} title={t.tokens.create} closeButtonProps={{ 'aria-label': t.close }}>
        <TokenForm />
      </Modal>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Page>
  );
}

function TokenForm() {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>(['start']);
  const create = useChange(() => ask(api.POST('/api/v1/tokens', { body: { name: name.trim(), scopes: scopes as Scopes } })), {
    fresh: ['tokens'],
  });
  if (create.data) {
    return (
      <Stack>
        <Alert color="yellow">{t.tokens.once}</Alert>
        <Code block>{create.data.token}</Code>
        <CopyButton value={create.data.token}>
          {({ copied, copy }) => <Button onClick={copy}>{copied ? t.copied : t.copy}</Button>}
        </CopyButton>
      </Stack>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate(undefined);
      }}
    >
      <Stack>
        {create.error && <Failure error={create.error} />}
        <TextInput label={t.tokens.name} required data-autofocus value={name} onChange={(e) => setName(e.currentTarget.value)} />
        <Checkbox.Group label={t.tokens.scopes} value={scopes} onChange={setScopes}>
          <Stack gap="xs" mt="xs">
            {SCOPES.map((scope) => (
              <Checkbox key={scope} value={scope} label={t.tokens.scope[scope]} />
            ))}
          </Stack>
        </Checkbox.Group>
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending} disabled={scopes.length === 0}>
            {t.tokens.create}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
