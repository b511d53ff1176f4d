import { Alert, Anchor, Button, Card, Center, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { Link } from 'wouter';

import { api, ask } from '../api/client';
import { t } from '../texts';
import { Failure } from '../ui/parts';
import type { Who } from '../who';

export function Setup({ entered }: { entered: (who: Who) => void }) {
  // The secret is behind the #, which browsers send to nobody.
  const [secret] = useState(() => window.location.hash.slice(1));
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const first = useQuery({ queryKey: ['setup'], queryFn: () => ask(api.GET('/api/v1/setup')) });

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      entered(await ask(api.POST('/api/v1/setup', { body: { secret, email, password } })));
    } catch (caught) {
      setError(caught as Error);
      setBusy(false);
    }
  };

  return (
    <Center mih="100vh" p="md" component="main">
      <Card withBorder w="100%" maw={420} padding="lg">
        <form onSubmit={(event) => void submit(event)}>
          <Stack>
            <Title order={1} size="h2">
              {t.setup.title}
            </Title>
            {first.data && !first.data.needed && (
              <Alert color="blue">
                {t.setup.done}{' '}
                <Anchor component={Link} href="/" underline="always">
                  {t.signIn.title}
                </Anchor>
              </Alert>
            )}
            {!secret && <Alert color="orange">{t.setup.noSecret}</Alert>}
            <Text size="sm">{t.setup.about}</Text>
            {error && <Failure error={error} />}
            <TextInput
              label={t.signIn.email}
              type="email"
              autoComplete="username"
              required
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <PasswordInput
              label={t.signIn.password}
              description={t.setup.length}
              autoComplete="new-password"
              required
              minLength={8}
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            <Button type="submit" loading={busy} disabled={!secret}>
              {t.setup.submit}
            </Button>
          </Stack>
        </form>
      </Card>
    </Center>
  );
}
