class CompiledProgram:
    def __init__(self, name, replay): self.name, self.replay = name, replay
