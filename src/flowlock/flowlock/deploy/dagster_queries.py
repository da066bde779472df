"""The GraphQL that Dagster is asked, as Dagster 1.13 describes it."""

_ENTRY = """
name updatedTimestamp displayMetadata { key value }
locationOrLoadError {
  __typename
  ... on PythonError { message }
  ... on RepositoryLocation { repositories { name pipelines { name } } }
}
"""
LOCATIONS = f"""
query {{
  workspaceOrError {{
    __typename
    ... on PythonError {{ message }}
    ... on Workspace {{ locationEntries {{ {_ENTRY} }} }}
  }}
}}
"""
RELOAD = f"""
mutation ($name: String!) {{
  reloadRepositoryLocation(repositoryLocationName: $name) {{
    __typename
    ... on WorkspaceLocationEntry {{ {_ENTRY} }}
    ... on RepositoryLocationNotFound {{ message }}
    ... on ReloadNotSupported {{ message }}
    ... on UnauthorizedError {{ message }}
    ... on PythonError {{ message }}
  }}
}}
"""
DAEMONS = """
query {
  instance { daemonHealth { allDaemonStatuses {
    daemonType required healthy lastHeartbeatTime lastHeartbeatErrors { message }
  } } }
}
"""
LAUNCH = """
mutation ($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on PipelineNotFoundError { message }
    ... on InvalidSubsetError { message }
    ... on UnauthorizedError { message }
    ... on PythonError { message errorChain { error { message } } }
  }
}
"""
STATUS = """
query ($run: ID!) {
  runOrError(runId: $run) {
    __typename
    ... on Run { status }
    ... on RunNotFoundError { message }
    ... on PythonError { message }
  }
}
"""
TERMINATE = "mutation ($run: String!) { terminateRun(runId: $run) { __typename } }"
LOGS = """
query ($run: ID!, $limit: Int) {
  logsForRun(runId: $run, limit: $limit) {
    __typename
    ... on RunNotFoundError { message }
    ... on PythonError { message }
    ... on EventConnection { events {
      __typename
      ... on MessageEvent { message level stepKey }
      ... on ExecutionStepFailureEvent { error { message errorChain { error { message } } } }
      ... on RunFailureEvent { error { message errorChain { error { message } } } }
    } }
  }
}
"""
LAST_RUN = """
query ($job: String!) {
  runsOrError(filter: {pipelineName: $job}, limit: 1) {
    __typename
    ... on Runs { results { runId } }
    ... on InvalidPipelineRunsFilterError { message }
    ... on PythonError { message }
  }
}
"""
